/** Bytes requested from the source at a time. */
const CHUNK_BYTES = 1_048_576
/** The largest frame or block that is read as a whole. Anything larger is damage, not data. */
export const PIECE_MAX_BYTES = 16 * 1_048_576

/** Fills `buffer[offset, offset + length)` as far as possible. Returns the number of bytes, or 0 at the end. */
export type Read = (buffer: Uint8Array, offset: number, length: number) => number

/** A window that moves forward through a long file. The part before the window is discarded. */
export class Window {
  readonly #read: Read
  #bytes = new Uint8Array(CHUNK_BYTES)
  #start = 0
  #end = 0
  #before = 0

  constructor(read: Read) {
    this.#read = read
  }

  /** The loaded bytes. The window begins at {@link start}. Each call of `has` may replace the array. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** The start of the window in {@link bytes}. */
  get start(): number {
    return this.#start
  }

  /** The start of the window in the file, in bytes. */
  get offset(): number {
    return this.#before + this.#start
  }

  /** Loads bytes into the window, at most {@link PIECE_MAX_BYTES}. Returns false if the file has fewer bytes left. */
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

  /** The number of bytes left after `has` returned false. */
  get left(): number {
    return this.#end - this.#start
  }

  /** Moves the window forward by bytes that `has` has loaded. */
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
