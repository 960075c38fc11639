/** The most marks that are remembered. The oldest is forgotten first. */
const MARKS_MAX = 16
const MARK_MAX_CHARS = 64

/** The part of the browser's storage that is used (HTML, 12.2.1). */
export interface Texts {
  getItem(key: string): string | null
  setItem(key: string, text: string): void
  removeItem(key: string): void
}

/** Which codes and sequences this browser has sent, also after a reload. A mark reveals none of them. */
export class Sent {
  readonly #storage: Texts | undefined
  readonly #key: string
  #marks: readonly string[] = []

  /** @param storage `undefined`: it is remembered until the page is closed */
  constructor(storage: Texts | undefined, key: string) {
    this.#storage = storage
    this.#key = key
  }

  has(mark: string): boolean {
    return this.#read().includes(mark)
  }

  /** Remembers a mark, before anything is sent. */
  add(mark: string): void {
    this.#marks = [...this.#read().filter((each) => each !== mark), mark].slice(-MARKS_MAX)
    try {
      this.#storage?.setItem(this.#key, this.#marks.join(' '))
    } catch {
      // Without room in the browser's storage it is remembered until the page is closed.
    }
  }

  forget(): void {
    this.#marks = []
    this.#storage?.removeItem(this.#key)
  }

  /** Another tab, or the installed app, may have sent some meanwhile. */
  #read(): readonly string[] {
    const text = this.#storage?.getItem(this.#key) ?? ''
    const stored = text.length > MARKS_MAX * (MARK_MAX_CHARS + 1) ? [] : text.split(' ')
    return [...new Set([...this.#marks, ...stored.filter((mark) => /^[\w-]{1,64}$/.test(mark))])].slice(-MARKS_MAX)
  }
}
