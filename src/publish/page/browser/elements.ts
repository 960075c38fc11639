/**
 * Returns an element of the page by its id.
 *
 * @throws Error if the page has no such element of that class: page and script do not match
 */
export function element<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`)
  return found
}

/** Makes an element with a class and a text, or with children. */
export function make(tag: string, className: string, content: string | readonly Node[] = []): HTMLElement {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  made.append(...(typeof content === 'string' ? [content] : content))
  return made
}
