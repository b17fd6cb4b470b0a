//! The bytes of a quote: every length and every byte of them counts.

use super::*;
use crate::intel::{QuoteError, length};

#[test]
fn a_quote_is_read_at_its_exact_length_only() {
    for body in ALL {
        let made = Forge::new(body).make();
        let exact = made.quote.len();
        assert_eq!(length(&made.quote), Some(exact));
        assert!(parse(&made.quote).is_ok());
        for cut in 0..exact {
            assert!(parse(&made.quote[..cut]).is_err(), "{cut}");
        }
        for more in [&[0_u8][..], &[0; 70], b"garbage!"] {
            let longer = [&made.quote, more].concat();
            let got = longer.len();
            assert_eq!(parse(&longer), Err(QuoteError::Length { got, exact }));
            assert_eq!(length(&longer), Some(exact));
        }
    }
    assert_eq!(length(&[3, 0]), None);
}

#[test]
fn versions_and_types_not_spoken_are_refused() {
    let quote = |body| Forge::new(body).make().quote;
    let set = |body, at: usize, value: &[u8]| {
        let mut quote = quote(body);
        quote[at..at + value.len()].copy_from_slice(value);
        parse(&quote).unwrap_err()
    };
    for version in [0_u16, 1, 2, 6, 9] {
        let bytes = version.to_le_bytes();
        assert_eq!(set(Body::Td10, 0, &bytes), QuoteError::Version(version));
    }
    let mut made = Forge::new(Body::Td10).make();
    made.quote[0] = 9;
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&judged), [Code::UnknownVersion]);
    // SGX in version 4, TDX in version 3, an enclave in version 5.
    assert_eq!(set(Body::Td10, 4, &[0]), QuoteError::Tee { version: 4, tee: 0 });
    assert_eq!(set(Body::Sgx, 4, &[0x81]), QuoteError::Tee { version: 3, tee: 0x81 });
    assert_eq!(set(Body::Td15, 4, &[0]), QuoteError::Tee { version: 5, tee: 0 });
    let mut enclave = quote(Body::Td10V5);
    enclave.splice(48..54 + 584, [[1, 0, 0x80, 1, 0, 0].as_slice(), &[0; 384]].concat());
    assert_eq!(parse(&enclave), Err(QuoteError::Tee { version: 5, tee: 0x81 }));
    // Types and sizes of the body, and types and lengths inside.
    for (at, value) in [(48, 2), (48, 9), (50, 0), (50, 0x89)] {
        assert_eq!(set(Body::Td15, at, &[value]), QuoteError::Format, "{at} {value}");
    }
    let vouching = 48 + 584 + 4;
    assert_eq!(set(Body::Td10, vouching + 128, &[5]), QuoteError::Certification(5));
    // Four bytes of the QE's own data read as type and length of the chain.
    assert_eq!(set(Body::Td10, vouching + 134 + 448, &[28, 0]), QuoteError::Format);
}

#[test]
fn bytes_hidden_between_lengths_are_refused() {
    // One byte more inside the outer certification data than the inner fields use.
    let mut quote = Forge::new(Body::Td10).make().quote;
    quote.push(0);
    let end = quote.len();
    let vouching = 48 + 584 + 4;
    let (outer, whole) = (vouching + 130, vouching - 4);
    quote[whole..whole + 4].copy_from_slice(&((end - vouching) as u32).to_le_bytes());
    assert_eq!(parse(&quote), Err(QuoteError::Inner));
    quote[outer..outer + 4].copy_from_slice(&((end - vouching - 134) as u32).to_le_bytes());
    assert_eq!(parse(&quote), Err(QuoteError::Inner));
    let mut quote = Forge::new(Body::Sgx).make().quote;
    quote.push(0);
    let whole = 48 + 384;
    let rest = quote.len() - whole - 4;
    quote[whole..whole + 4].copy_from_slice(&(rest as u32).to_le_bytes());
    assert_eq!(parse(&quote), Err(QuoteError::Inner));
}

#[test]
fn no_flipped_bit_is_ever_taken_for_good() {
    for body in [Body::Sgx, Body::Td15] {
        let made = Forge::new(body).make();
        let policy = policy(&made);
        let collateral = Some(made.collateral.clone());
        let endorsements = Endorsements { collateral, ..Endorsements::default() };
        let expected = Expected::report_data(&[7; 64]).unwrap();
        let mut cache = Cache::default();
        for at in 0..made.quote.len() {
            let mut quote = made.quote.clone();
            quote[at] ^= 1 << (at % 8);
            let parts = Parts { quote, ..Parts::default() };
            let evidence = Evidence { kind: kind(body), parts };
            let judged = appraise(&evidence, &endorsements, &expected, &policy, NOW, &mut cache);
            assert_eq!(judged.authentic, Some(false), "byte {at}: {:?}", judged.reasons);
        }
    }
}

#[test]
fn a_quote_describes_itself_without_being_believed() {
    let forge = Forge { attributes: 1 << 28 | 1, quote_signer: "other", ..Forge::new(Body::Td15) };
    let fields = parse(&forge.make().quote).unwrap().describe();
    let value = |name: &str| {
        let mut all = fields.iter().filter(|(field, _)| field == name);
        all.next().map(|(_, value)| value.as_str())
    };
    assert_eq!(value("version"), Some("5"));
    assert_eq!(value("body"), Some("TD 1.5"));
    assert_eq!(value("flags"), Some("DEBUG, SEPT_VE_DISABLE"));
    assert_eq!(value("mrtd"), Some("1d".repeat(48).as_str()));
    assert_eq!(value("report_data"), Some("07".repeat(64).as_str()));
    let fields = parse(&Forge::new(Body::Sgx).make().quote).unwrap().describe();
    assert!(fields.contains(&("flags".into(), "INIT, MODE64BIT".into())));
    assert!(fields.contains(&("isvsvn".into(), "0002".into())));
}
