'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.Fault = void 0
class Fault extends Error {
  name = 'Fault'
  advice
  constructor(message, advice, options) {
    super(message, options)
    this.advice = advice
  }
}
exports.Fault = Fault
