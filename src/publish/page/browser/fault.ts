/** What went wrong, as the page says it: whole sentences, and what can be done about it. Never holds what was typed. */
export class Fault extends Error {
  override name = 'Fault'
  readonly advice: string

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options)
    this.advice = advice
  }
}
