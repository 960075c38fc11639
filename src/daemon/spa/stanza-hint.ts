import type { Door } from '../../config/config.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import type { StanzaFile } from './stanza-file.ts'

/** A stanza to try a packet with. */
export interface Trial {
  readonly door: Door
  readonly stanza: Stanza
}

/**
 * Formats a hint at the stanza that opened a packet, to try it first. After an edit of the files it may point to
 * another stanza.
 */
export function formatHint(files: readonly StanzaFile[], { door, stanza }: Trial): string {
  return `${files.find((each) => each.door === door)?.stanzas.indexOf(stanza) ?? -1} ${door.name}`
}

/** Returns the stanza of a hint by {@link formatHint}. */
export function readHint(files: readonly StanzaFile[], hint = ''): Trial | undefined {
  const end = hint.indexOf(' ')
  const file = files.find(({ door }) => door.name === hint.slice(end + 1))
  const stanza = file?.stanzas[Number(hint.slice(0, end))]
  return file === undefined || stanza === undefined ? undefined : { door: file.door, stanza }
}
