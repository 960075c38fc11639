/** An error message of the page, in whole sentences, with advice. It never contains what was typed. */
export class Fault extends Error {
  override name = 'Fault'
  readonly advice: string

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options)
    this.advice = advice
  }
}
