use crate::json::Value;

/// What a task can take as its input. Implement it for a type of your own, with
/// [`crate::json`] or a crate such as serde_json.
pub trait FromInput: Sized {
    /// Reads the input. An error fails the job for good, with its text after
    /// "input: ".
    fn from_input(bytes: Vec<u8>) -> Result<Self, String>;
}

impl FromInput for Vec<u8> {
    fn from_input(bytes: Vec<u8>) -> Result<Self, String> {
        Ok(bytes)
    }
}

/// UTF-8.
impl FromInput for String {
    fn from_input(bytes: Vec<u8>) -> Result<Self, String> {
        String::from_utf8(bytes).map_err(|e| e.utf8_error().to_string())
    }
}

/// JSON. An empty input is null.
impl FromInput for Value {
    fn from_input(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        let text = String::from_utf8(bytes).map_err(|e| e.utf8_error().to_string())?;
        Value::parse(&text).map_err(|e| e.to_string())
    }
}

/// Of a task that takes no input: whatever there is, is ignored.
impl FromInput for () {
    fn from_input(_: Vec<u8>) -> Result<Self, String> {
        Ok(())
    }
}

/// What a task can return.
pub trait IntoOutput {
    /// Returns the bytes of the job's output.
    fn into_output(self) -> Vec<u8>;
}

impl IntoOutput for Vec<u8> {
    fn into_output(self) -> Vec<u8> {
        self
    }
}

impl IntoOutput for String {
    fn into_output(self) -> Vec<u8> {
        self.into_bytes()
    }
}

impl IntoOutput for &str {
    fn into_output(self) -> Vec<u8> {
        self.into()
    }
}

/// JSON.
impl IntoOutput for Value {
    fn into_output(self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

/// Nothing.
impl IntoOutput for () {
    fn into_output(self) -> Vec<u8> {
        Vec::new()
    }
}
