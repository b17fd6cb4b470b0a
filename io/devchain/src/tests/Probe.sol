// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What the chain's tests talk to. Probe.hex beside this file is its creation code:
/// solc 0.8.37, optimizer 200 runs, evmVersion osaka, no metadata hash.
contract Probe {
    event Set(address indexed by, uint256 indexed value, bytes note);
    error TooBig(uint256 got, uint256 most);

    uint256 public number;
    mapping(uint256 => uint256) public filled;

    constructor(uint256 first) payable { number = first; }

    function set(uint256 value) external payable {
        if (value > 1000) revert TooBig(value, 1000);
        require(value != 13, "unlucky");
        number = value;
        emit Set(msg.sender, value, abi.encode(block.timestamp));
    }

    function emitMany(uint256 count) external {
        for (uint256 i; i < count; i++) emit Set(msg.sender, i, "");
    }

    function fill(uint256 from, uint256 count) external {
        for (uint256 i = from; i < from + count; i++) filled[i] = i + 1;
    }

    function clear(uint256 from, uint256 count) external {
        for (uint256 i = from; i < from + count; i++) delete filled[i];
    }

    function spin() external { while (true) number++; }

    function halt() external pure { assembly { invalid() } }

    function overflow(uint256 value) external pure returns (uint256) { return value + type(uint256).max; }

    function child() external returns (address made) { made = address(new Child()); }

    function around() external view returns (uint256, uint256, uint256, uint256, bytes32) {
        return (block.number, block.timestamp, block.basefee, block.chainid, blockhash(block.number - 1));
    }

    function hashes(bytes calldata data) external view returns (bytes32, address) {
        return (sha256(data), ecrecover(keccak256(data), 27, bytes32(uint256(1)), bytes32(uint256(2))));
    }

    function inner(uint256 gasFor) external { this.set{gas: gasFor}(7); }
}

contract Child { function die() external { selfdestruct(payable(msg.sender)); } }
