// Where in a TOML text somebody is writing: in which table, and whether a key, a value or a heading.

export interface Place {
  kind: "key" | "value" | "heading";
  /** The keys from the root to the table, or to the value; elements of arrays have no key of their own. */
  path: string[];
  /** Where the word begins that is being written. */
  from: number;
  /** Within quotation marks. */
  isQuoted: boolean;
}

interface Container {
  isTable: boolean;
  path: string[];
}

const BARE = /[A-Za-z0-9_-]/;

/** The place of an offset; nothing within a comment, or after a value. */
export function placeAt(text: string, at: number): Place | null {
  return new Scanner(text, at).place();
}

class Scanner {
  private offset = 0;
  private heading: string[] = [];
  private readonly containers: Container[] = [];
  private key: string[] = [];
  private expects: "key" | "value" | "end" = "key";

  constructor(
    private readonly text: string,
    private readonly at: number,
  ) {}

  place(): Place | null {
    while (this.offset <= this.at) {
      const found = this.step();
      if (found !== undefined) return found;
    }
    return null;
  }

  private get base(): string[] {
    return this.containers.at(-1)?.path ?? this.heading;
  }

  /** Goes one token further; the place if the offset lies in it, and null if nothing is to be written there. */
  private step(): Place | null | undefined {
    const next = this.text[this.offset];
    if (next === "#") return this.comment();
    if (next === " " || next === "\t" || next === "\r" || next === "\n" || next === undefined) return this.space(next);
    if (this.expects === "key") {
      if (next === "[" && this.containers.length === 0) return this.headingOf();
      if (next === "}") return this.close();
      return this.keyOf();
    }
    if (this.expects === "value") return this.valueOf(next);
    if (next === "," && this.containers.length > 0) {
      this.offset += 1;
      this.expects = this.containers.at(-1)?.isTable ? "key" : "value";
      return undefined;
    }
    if (next === "]" || next === "}") return this.close();
    this.offset += 1;
    return undefined;
  }

  private comment(): null | undefined {
    const end = this.text.indexOf("\n", this.offset);
    const until = end < 0 ? this.text.length : end;
    const isWithin = this.at > this.offset && this.at <= until;
    this.offset = until;
    if (end < 0) this.offset += 1;
    return isWithin ? null : undefined;
  }

  private space(next: string | undefined): Place | null | undefined {
    if (this.offset === this.at) return this.expects === "end" ? null : this.found(this.expects, this.expects === "key" ? this.base : this.target(), this.at);
    this.offset += 1;
    if (next === "\n" && this.containers.length === 0) this.expects = "key";
    return undefined;
  }

  /** The keys that a value stands under. */
  private target(): string[] {
    return this.containers.at(-1)?.isTable === false ? this.base : [...this.base, ...this.key];
  }

  private headingOf(): Place | null | undefined {
    const start = this.offset;
    while (this.text[this.offset] === "[" && this.offset < Math.min(start + 2, this.at)) this.offset += 1;
    if (this.at === start) return this.found("key", this.base, this.at);
    const written = this.keysUpTo();
    if (this.at <= this.offset) return this.found("heading", written.keys.slice(0, -1), written.from);
    const end = this.text.indexOf("\n", this.offset);
    const until = end < 0 ? this.text.length : end;
    const isWithin = this.at <= until;
    this.heading = written.keys;
    this.offset = until;
    this.expects = "end";
    return isWithin ? null : undefined;
  }

  private keyOf(): Place | null | undefined {
    const start = this.offset;
    const base = this.base;
    const { keys, from } = this.keysUpTo();
    if (this.at <= this.offset) return this.found("key", [...base, ...keys.slice(0, -1)], from);
    this.key = keys;
    while (this.text[this.offset] === " " || this.text[this.offset] === "\t") this.offset += 1;
    if (this.at < this.offset) return null;
    if (this.text[this.offset] === "=") {
      this.offset += 1;
      this.expects = "value";
    } else if (this.offset === start) {
      this.offset += 1;
    } else if (this.text[this.offset] === "\n") {
      this.expects = "key";
    } else {
      this.expects = "end";
    }
    return undefined;
  }

  /** Dotted keys from here on, up to the offset at most; the last one may be empty, or not yet whole. */
  private keysUpTo(): { keys: string[]; from: number } {
    const keys = [""];
    let from = this.offset;
    while (this.offset < this.text.length && this.offset < this.at) {
      const next = this.text[this.offset] ?? "";
      if (next === '"' || next === "'") {
        const end = this.text.indexOf(next, this.offset + 1);
        const until = end < 0 || end >= this.at ? this.at : end;
        keys[keys.length - 1] = this.text.slice(this.offset + 1, until);
        from = this.offset + 1;
        this.offset = end >= 0 && end < this.at ? end + 1 : this.at;
      } else if (next === ".") {
        keys.push("");
        this.offset += 1;
        from = this.offset;
      } else if (BARE.test(next)) {
        keys[keys.length - 1] += next;
        this.offset += 1;
      } else if (next === " " && /^ *[."'\w-]/.test(this.text.slice(this.offset)) && (keys.at(-1) === "" || /^ *\./.test(this.text.slice(this.offset)))) {
        this.offset += 1;
        if (keys.at(-1) === "") from = this.offset;
      } else {
        break;
      }
    }
    return { keys, from };
  }

  private valueOf(next: string): Place | null | undefined {
    if (this.at === this.offset && (next === "]" || next === "}")) return this.found("value", this.target(), this.at);
    if (next === "{" || next === "[") {
      if (this.at <= this.offset) return this.found("value", this.target(), this.at);
      const path = this.target();
      this.containers.push({ isTable: next === "{", path });
      this.offset += 1;
      this.key = [];
      this.expects = next === "{" ? "key" : "value";
      return undefined;
    }
    if (next === "]" || next === "}") return this.close();
    if (next === '"' || next === "'") return this.quoted(next);
    const start = this.offset;
    while (this.offset < this.text.length && !/[,\]}#\n]/.test(this.text[this.offset] ?? "")) this.offset += 1;
    if (this.at <= this.offset) return /\s/.test(this.text.slice(start, this.at)) ? null : this.found("value", this.target(), start);
    if (this.offset === start) this.offset += 1;
    this.expects = "end";
    return undefined;
  }

  private quoted(mark: string): Place | null | undefined {
    const start = this.offset;
    const isLong = this.text.startsWith(mark.repeat(3), start);
    const delimiter = isLong ? mark.repeat(3) : mark;
    let end = start + delimiter.length;
    while (end < this.text.length && !this.text.startsWith(delimiter, end)) {
      if (!isLong && this.text[end] === "\n") break;
      end += mark === '"' && this.text[end] === "\\" ? 2 : 1;
    }
    if (this.at <= start) return this.found("value", this.target(), this.at);
    if (this.at <= end) return isLong ? null : this.found("value", this.target(), start + 1, true);
    this.offset = Math.min(this.text.startsWith(delimiter, end) ? end + delimiter.length : end, this.text.length);
    this.expects = "end";
    return undefined;
  }

  private close(): Place | null | undefined {
    if (this.at === this.offset && this.expects === "key") return this.found("key", this.base, this.at);
    if (this.at === this.offset) return null;
    this.containers.pop();
    this.offset += 1;
    this.expects = "end";
    return undefined;
  }

  private found(kind: Place["kind"], path: string[], from: number, isQuoted = false): Place {
    return { kind, path, from, isQuoted };
  }
}
