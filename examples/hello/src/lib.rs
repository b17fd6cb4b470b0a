//! The smallest app: greets whoever its payload names.

fn run(call: sotto_guest::Call) -> Result<Vec<u8>, String> {
    Ok([b"hello, ", call.payload.as_slice()].concat())
}
sotto_guest::function!(run);

#[cfg(test)]
mod tests {
    #[test]
    fn it_greets() {
        let call = sotto_guest::Call { payload: b"world".to_vec(), ..Default::default() };
        assert_eq!(super::run(call), Ok(b"hello, world".to_vec()));
    }
}
