/**
 * Returns a text with its lines behind each other: `a; b`. Blanks around line ends are left out, in time that grows with
 * the length alone: a regular expression would read a long run of blanks again from each of them.
 */
export function joinLines(text: string): string {
  const lines = text.split('\n')
  const last = lines.length - 1
  return lines
    .map((line, at) => (at === 0 ? (last === 0 ? line : line.trimEnd()) : at === last ? line.trimStart() : line.trim()))
    .filter((line, at) => at === 0 || at === last || line !== '')
    .join('; ')
}
