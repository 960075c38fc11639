/** Empties a list without freeing its memory. Setting `length` would cost more than the rest of handling a knock. */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop()
}

/** Inserts a value into a list. Appending, the usual case, creates no other list. */
export function insert<T>(list: T[], place: number, value: T): void {
  if (place === list.length) list.push(value)
  else list.splice(place, 0, value)
}
