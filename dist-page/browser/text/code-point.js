/** A character by number: `<U+2013>`. */
export function codePoint(character) {
  return `<U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}>`
}
