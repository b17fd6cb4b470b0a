// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, ISotto, ISottoConsumer} from "../src/ISotto.sol";

/// @title A consumer that misbehaves in whatever way it is told to.
contract Hostile is ISottoConsumer {
    enum Mood {
        Kind,
        Reverting,
        RevertBomb,
        ReturnBomb,
        Burning,
        Reentering
    }

    ISotto public immutable sotto;
    Mood public mood;
    Mood public moodForMoney;
    uint256 public calls;
    uint256 public lastGas;
    uint64 public lastId;
    bytes public lastResult;
    /// @notice How many of its re-entrant calls did anything.
    uint256 public gained;
    /// @notice The re-entrant calls it makes.
    bytes[] public attempts;

    constructor(ISotto sotto_) {
        sotto = sotto_;
    }

    receive() external payable {
        if (msg.sender == address(sotto)) _behave(moodForMoney);
    }

    function setMood(Mood mood_, Mood moodForMoney_) external {
        (mood, moodForMoney) = (mood_, moodForMoney_);
    }

    function setAttempts(bytes[] calldata attempts_) external {
        delete attempts;
        for (uint256 i = 0; i < attempts_.length; ++i) {
            attempts.push(attempts_[i]);
        }
    }

    function ask(Ask calldata what) external payable returns (uint64) {
        return sotto.request{value: msg.value}(what);
    }

    function withdraw(address payable to) external {
        sotto.withdraw(to);
    }

    function onSottoResult(uint64 id, bytes calldata result) external {
        require(msg.sender == address(sotto), "not sotto");
        uint256 got = gasleft();
        _behave(mood);
        lastGas = got;
        lastId = id;
        lastResult = result;
        ++calls;
    }

    function _behave(Mood now_) private {
        if (now_ == Mood.Reverting) revert("no");
        if (now_ == Mood.Burning) {
            while (true) {}
        }
        // As many bytes as its gas can make: a caller that copied them would pay for them once more.
        uint256 bomb = gasleft() > 450_000 ? 400_000 : 50_000;
        if (now_ == Mood.RevertBomb) {
            assembly {
                revert(0, bomb)
            }
        }
        if (now_ == Mood.ReturnBomb) {
            assembly {
                return(0, bomb)
            }
        }
        if (now_ == Mood.Reentering) {
            for (uint256 i = 0; i < attempts.length; ++i) {
                (bool done,) = address(sotto).call(attempts[i]);
                if (done) ++gained;
            }
        }
    }
}
