'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.element = element
exports.make = make
function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`)
  return found
}
function make(tag, className, content = []) {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  made.append(...(typeof content === 'string' ? [content] : content))
  return made
}
