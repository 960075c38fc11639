import type { Door } from '../../config/config.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import type { StanzaFile } from './stanza-file.ts'

/** A stanza that a packet is tried with. */
export interface Trial {
  readonly door: Door
  readonly stanza: Stanza
}

/** What to remember of a stanza that opened, to try it first. It finds another one once its files were edited. */
export function formatHint(files: readonly StanzaFile[], { door, stanza }: Trial): string {
  return `${files.find((each) => each.door === door)?.stanzas.indexOf(stanza) ?? -1} ${door.name}`
}

/** The stanza that a hint of {@link formatHint} finds. */
export function readHint(files: readonly StanzaFile[], hint = ''): Trial | undefined {
  const end = hint.indexOf(' ')
  const file = files.find(({ door }) => door.name === hint.slice(end + 1))
  const stanza = file?.stanzas[Number(hint.slice(0, end))]
  return file === undefined || stanza === undefined ? undefined : { door: file.door, stanza }
}
