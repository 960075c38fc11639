/** An element of the page by its id. Throws when the page has none such of that class: page and script do not fit. */
export function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`)
  return found
}
/** A new element with a class and a text, or with children. */
export function make(tag, className, content = []) {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  made.append(...(typeof content === 'string' ? [content] : content))
  return made
}
