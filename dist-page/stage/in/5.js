/** What went wrong, as the page says it: whole sentences, and what can be done about it. Never holds what was typed. */
export class Fault extends Error {
  name = 'Fault'
  advice
  constructor(message, advice, options) {
    super(message, options)
    this.advice = advice
  }
}
