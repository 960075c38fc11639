/** Dashes of word processors and web pages (see lint-paste.ts in src/config). */
const DASHES = /[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]+/g

/** Replaces typographic dashes in a command by hyphens, as its author meant them. */
export function plainDashes(command: string): string {
  return command.replaceAll(DASHES, (dashes, at: number) => {
    const before = command[at - 1] ?? ' '
    // A long dash before a word of several letters was two hyphens.
    if (dashes.length === 1 && /\s/.test(before) && /^[A-Za-z][\w-]/.test(command.slice(at + 1))) return '--'
    return '-'.repeat(dashes.length)
  })
}
