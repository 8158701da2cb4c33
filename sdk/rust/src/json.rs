//! JSON, as much of it as tasks need for their input, output and log.

use std::fmt::{self, Display, Write};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bool(bool),
    /// A number without fraction and exponent, within the range.
    Int(i64),
    Float(f64),
    Str(String),
    Array(Vec<Value>),
    /// The members, in order.
    Object(Vec<(String, Value)>),
}

/// What is wrong with a text that is no JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The offset, in bytes.
    pub offset: usize,
}

impl Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "it is no JSON at byte {}", self.offset)
    }
}

impl std::error::Error for ParseError {}

impl Value {
    /// Reads one value. Arrays and objects nest at most 64 deep.
    pub fn parse(text: &str) -> Result<Value, ParseError> {
        let mut p = Parser { text, at: 0 };
        p.space();
        let value = p.value(0)?;
        p.space();
        if p.at < text.len() {
            return p.fail();
        }
        Ok(value)
    }

    /// An object: `Value::object([("size", 3.into())])`.
    pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
        Value::Object(members.into_iter().map(|(k, v)| (k.to_string(), v)).collect())
    }

    /// A member of an object; of several with one name the last.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&[(String, Value)]> {
        if let Value::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    /// The elements, if it is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Value::Array(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(s) = self {
            Some(s)
        } else {
            None
        }
    }

    /// The number, if it is a whole one.
    pub fn as_i64(&self) -> Option<i64> {
        if let Value::Int(n) = self {
            Some(*n)
        } else {
            None
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// True or false, if it is one of them.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(b) = self {
            Some(*b)
        } else {
            None
        }
    }
}

impl Display for Value {
    /// Writes JSON. What is no number, or infinite, becomes null.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(n) if n.is_finite() => write!(f, "{n}"),
            Value::Null | Value::Float(_) => f.write_str("null"),
            Value::Str(s) => quote(f, s),
            Value::Array(elements) => {
                for (i, v) in elements.iter().enumerate() {
                    write!(f, "{}{v}", if i == 0 { '[' } else { ',' })?;
                }
                f.write_str(if elements.is_empty() { "[]" } else { "]" })
            }
            Value::Object(members) => {
                for (i, (k, v)) in members.iter().enumerate() {
                    f.write_char(if i == 0 { '{' } else { ',' })?;
                    quote(f, k)?;
                    write!(f, ":{v}")?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter, s: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in s.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c if c < ' ' => write!(f, "\\u{:04x}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

const DEPTH: usize = 64;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn fail<T>(&self) -> Result<T, ParseError> {
        Err(ParseError { offset: self.at })
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, c: u8) -> bool {
        let ok = self.peek() == c && self.at < self.text.len();
        self.at += ok as usize;
        ok
    }

    fn expect(&mut self, c: u8) -> Result<(), ParseError> {
        if self.eat(c) {
            return Ok(());
        }
        self.fail()
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        if depth == DEPTH {
            return self.fail();
        }
        match self.peek() {
            b'"' => self.string().map(Value::Str),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
                {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                self.fail()
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, ParseError> {
        let mut members = Vec::new();
        self.expect(b'{')?;
        self.space();
        if self.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            members.push((key, self.value(depth + 1)?));
            self.space();
            if self.eat(b'}') {
                return Ok(Value::Object(members));
            }
            self.expect(b',')?;
            self.space();
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, ParseError> {
        let mut elements = Vec::new();
        self.expect(b'[')?;
        self.space();
        if self.eat(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.space();
            if self.eat(b']') {
                return Ok(Value::Array(elements));
            }
            self.expect(b',')?;
            self.space();
        }
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        if !self.peek().is_ascii_digit() {
            return self.fail();
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let from = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        let text = &self.text[from..self.at];
        match text.parse() {
            Ok(n) if whole => Ok(Value::Int(n)),
            _ => text.parse().map(Value::Float).or_else(|_| self.fail()),
        }
    }

    fn string(&mut self) -> Result<String, ParseError> {
        let mut out = String::new();
        self.expect(b'"')?;
        loop {
            let from = self.at;
            while !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            out.push_str(&self.text[from..self.at]);
            if self.eat(b'"') {
                return Ok(out);
            }
            self.expect(b'\\')?; // neither: a control character, or the end
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let c = match self.peek() {
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            c @ (b'"' | b'\\' | b'/') => c as char,
            _ => return self.fail(),
        };
        self.at += 1;
        Ok(c)
    }

    /// A surrogate without its other half becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, ParseError> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) || !self.text[self.at..].starts_with("\\u") {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let back = self.at;
        self.at += 2;
        let low = self.hex()?;
        if !(0xdc00..0xe000).contains(&low) {
            self.at = back;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        Ok(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, ParseError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return self.fail();
        }
        self.at += 4;
        Ok(digits.iter().fold(0, |n, d| n * 16 + (*d as char).to_digit(16).unwrap_or(0)))
    }
}

macro_rules! from {
    ($($type:ty => |$v:ident| $value:expr),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from($v: $type) -> Self {
                $value
            }
        })*
    };
}

from! {
    bool => |v| Value::Bool(v),
    i32 => |v| Value::Int(v.into()),
    u32 => |v| Value::Int(v.into()),
    i64 => |v| Value::Int(v),
    u64 => |v| i64::try_from(v).map_or(Value::Float(v as f64), Value::Int),
    usize => |v| Value::from(v as u64),
    f64 => |v| Value::Float(v),
    &str => |v| Value::Str(v.to_string()),
    &String => |v| Value::Str(v.clone()),
    String => |v| Value::Str(v),
    Vec<Value> => |v| Value::Array(v),
}
