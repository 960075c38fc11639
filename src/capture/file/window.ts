/** Bytes that are asked of the source at a time. */
const CHUNK_BYTES = 1_048_576
/** Largest piece that is looked at as a whole: frames and blocks of more than this are damage, not data. */
export const PIECE_MAX_BYTES = 16 * 1_048_576

/** Where bytes come from: fills `buffer[offset, offset + length)` as far as it can, and gives how much; 0: the end. */
export type Read = (buffer: Uint8Array, offset: number, length: number) => number

/** A part of a long file that moves on through it; what is behind it is forgotten. */
export class Window {
  readonly #read: Read
  #bytes = new Uint8Array(CHUNK_BYTES)
  #start = 0
  #end = 0
  #before = 0

  constructor(read: Read) {
    this.#read = read
  }

  /** The bytes that are there; those to be looked at begin at {@link start}. Another array after each `has`. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Where in {@link bytes} the window begins. */
  get start(): number {
    return this.#start
  }

  /** How far into the file the window begins, in bytes. */
  get offset(): number {
    return this.#before + this.#start
  }

  /** Whether there are so many bytes, at most {@link PIECE_MAX_BYTES}, before the end; they can be looked at then. */
  has(length: number): boolean {
    if (this.#end - this.#start >= length) return true
    this.#makeRoom(length)
    while (this.#end - this.#start < length) {
      const count = this.#read(this.#bytes, this.#end, this.#bytes.length - this.#end)
      if (count === 0) return false
      this.#end += count
    }
    return true
  }

  /** Bytes that are left where `has` said that there are not enough. */
  get left(): number {
    return this.#end - this.#start
  }

  /** Goes on behind so many bytes, which `has` said are there. */
  skip(length: number): void {
    this.#start += length
  }

  #makeRoom(length: number): void {
    if (this.#start + length <= this.#bytes.length) return
    const rest = this.#bytes.subarray(this.#start, this.#end)
    const room = length <= CHUNK_BYTES / 2 ? CHUNK_BYTES : length + CHUNK_BYTES
    const bytes = room === this.#bytes.length ? this.#bytes : new Uint8Array(room)
    if (bytes === this.#bytes) bytes.copyWithin(0, this.#start, this.#end)
    else bytes.set(rest)
    this.#bytes = bytes
    this.#before += this.#start
    this.#end = rest.length
    this.#start = 0
  }
}
