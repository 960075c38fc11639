/** A warning about a file, which is logged once, however often the file is read. */
export class Warning {
  readonly #say: (level: 'warning', text: string) => void
  #said = ''

  constructor(say: (level: 'warning', text: string) => void) {
    this.#say = say
  }

  /** Logs another warning than the last one. An empty text means that the file is good again. */
  set(text: string): void {
    if (this.#said === text) return
    this.#said = text
    if (text !== '') this.#say('warning', text)
  }
}
