/** What a JSON value is. */
export enum Kind {
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

const DEPTH = 64;

/** A JSON value that was read. */
export class Json {
  /** What of the following it has. */
  kind: Kind = Kind.Null;
  bool: bool = false;
  /** A string decoded, a number as it was written. */
  text: string = "";
  /** Elements of an array, values of an object. */
  items: Json[] = [];
  /** Names of an object, in the order of its items. */
  names: string[] = [];

  /** Reads one value; null if the text is no JSON. Arrays and objects nest at most 64 deep. */
  static parse(text: string): Json | null {
    const p = new Parser(text);
    p.space();
    const v = p.value(0);
    p.space();
    return p.bad || p.at < text.length ? null : v;
  }

  /** A member of an object; of several with one name the last. Null if there is none. */
  get(name: string): Json | null {
    const i = this.names.lastIndexOf(name);
    return i < 0 ? null : this.items[i];
  }

  /** Is it a number without fraction and exponent that fits an i64? */
  get isInt(): bool {
    if (this.kind != Kind.Number) return false;
    const negative = this.text.charCodeAt(0) == 45;
    let sum: u64 = 0;
    const limit: u64 = <u64>i64.MAX_VALUE + (negative ? 1 : 0);
    for (let i = negative ? 1 : 0; i < this.text.length; i++) {
      const digit = <u64>(this.text.charCodeAt(i) - 48);
      if (digit > 9 || sum > (limit - digit) / 10) return false;
      sum = sum * 10 + digit;
    }
    return true;
  }

  /** The number, if {@link isInt}. */
  get int(): i64 {
    return I64.parseInt(this.text);
  }

  /** The number. */
  get float(): f64 {
    return F64.parseFloat(this.text);
  }
}

class Parser {
  at: i32 = 0;
  bad: bool = false;

  constructor(private text: string) {}

  peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  eat(c: i32): bool {
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  expect(c: i32): void {
    if (!this.eat(c)) this.bad = true;
  }

  space(): void {
    for (let c = this.peek(); c == 32 || c == 9 || c == 10 || c == 13; c = this.peek()) this.at++;
  }

  value(depth: i32): Json {
    const v = new Json();
    const c = this.peek();
    if (depth == DEPTH) {
      this.bad = true;
    } else if (c == 0x22) {
      v.kind = Kind.String;
      v.text = this.string();
    } else if (c == 0x7b || c == 0x5b) {
      this.list(v, depth, c == 0x7b);
    } else if (c == 0x2d || this.digit()) {
      v.kind = Kind.Number;
      v.text = this.number();
    } else if (this.word("true")) {
      v.kind = Kind.Bool;
      v.bool = true;
    } else if (this.word("false")) {
      v.kind = Kind.Bool;
    } else if (!this.word("null")) {
      this.bad = true;
    }
    return v;
  }

  word(w: string): bool {
    if (!this.text.startsWith(w, this.at)) return false;
    this.at += w.length;
    return true;
  }

  list(v: Json, depth: i32, object: bool): void {
    const close = object ? 0x7d : 0x5d;
    v.kind = object ? Kind.Object : Kind.Array;
    this.at++;
    this.space();
    if (this.eat(close)) return;
    while (!this.bad) {
      if (object) {
        v.names.push(this.string());
        this.space();
        this.expect(0x3a);
        this.space();
      }
      if (this.bad) return;
      v.items.push(this.value(depth + 1));
      this.space();
      if (this.bad || this.eat(close)) return;
      this.expect(0x2c);
      this.space();
    }
  }

  digit(): bool {
    const c = this.peek();
    return c >= 48 && c <= 57;
  }

  digits(): void {
    if (!this.digit()) this.bad = true;
    while (this.digit()) this.at++;
  }

  number(): string {
    const from = this.at;
    this.eat(0x2d);
    if (!this.eat(48)) this.digits();
    if (this.eat(0x2e)) this.digits();
    if (this.eat(0x65) || this.eat(0x45)) {
      if (!this.eat(0x2b)) this.eat(0x2d);
      this.digits();
    }
    return this.text.substring(from, this.at);
  }

  string(): string {
    let out = "";
    this.expect(0x22);
    while (!this.bad) {
      const from = this.at;
      for (let c = this.peek(); c >= 0x20 && c != 0x22 && c != 0x5c; c = this.peek()) this.at++;
      out += this.text.substring(from, this.at);
      if (this.eat(0x22)) return out;
      this.expect(0x5c); // neither: a control character, or the end
      if (!this.bad) out += this.escape();
    }
    return out;
  }

  escape(): string {
    const c = this.peek();
    this.at++;
    if (c == 0x75) return String.fromCharCode(this.hex()); // pairs of surrogates join by themselves
    const i = '"\\/bfnrt'.indexOf(String.fromCharCode(c));
    if (c < 0 || i < 0) {
      this.bad = true;
      return "";
    }
    return '"\\/\b\f\n\r\t'.charAt(i);
  }

  hex(): i32 {
    let n = 0;
    for (let i = 0; i < 4; i++, this.at++) {
      let c = this.peek();
      if (c >= 0x41) c |= 0x20;
      const digit = c >= 48 && c <= 57 ? c - 48 : c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
      if (digit < 0) {
        this.bad = true;
        return 0;
      }
      n = n * 16 + digit;
    }
    return n;
  }
}

/** Writes a JSON object: `new Fields().str("file", name).int("bytes", 3)`. */
export class Fields {
  private out: string = "";

  /** Adds a text. */
  str(name: string, value: string): Fields {
    return this.raw(name, quote(value));
  }

  /** Adds a whole number. */
  int(name: string, value: i64): Fields {
    return this.raw(name, value.toString());
  }

  /** Adds a number; what is none, or infinite, becomes null. */
  float(name: string, value: f64): Fields {
    return this.raw(name, isFinite(value) ? value.toString() : "null");
  }

  /** Adds true or false. */
  bool(name: string, value: bool): Fields {
    return this.raw(name, value ? "true" : "false");
  }

  /** Adds a value that is JSON already, such as other fields as text. */
  raw(name: string, json: string): Fields {
    this.out += (this.out.length ? "," : "") + quote(name) + ":" + json;
    return this;
  }

  /** The object as JSON. */
  toString(): string {
    return "{" + this.out + "}";
  }
}

function quote(s: string): string {
  let out = '"';
  let from = 0;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c) continue;
    out += s.substring(from, i);
    out += c < 0x20 ? "\\u" + c.toString(16).padStart(4, "0") : "\\" + String.fromCharCode(c);
    from = i + 1;
  }
  return out + s.substring(from) + '"';
}
