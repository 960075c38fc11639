/** Empties a list and keeps its memory: setting its length costs more than all else of a packet that is a knock. */
export function empty(list: unknown[]): void {
  while (list.length > 0) list.pop()
}

/** Puts a value into a list; at its end, where nearly all go, without making another list. */
export function insert<T>(list: T[], place: number, value: T): void {
  if (place === list.length) list.push(value)
  else list.splice(place, 0, value)
}
