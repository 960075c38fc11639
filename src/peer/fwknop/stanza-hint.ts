import type { DoorFiles } from '../../secret/door-files.ts'
import type { PacketDoor } from '../../secret/packet-door.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import type { Stanzas } from './stanzas.ts'

/** A stanza to try a packet with. */
export interface Trial {
  readonly door: PacketDoor
  readonly stanza: Stanza
}

/**
 * Formats a hint at the stanza that opened a packet, to try it first. After an edit of the files it may point to
 * another stanza.
 */
export function formatHint(files: DoorFiles<Stanzas>, { door, stanza }: Trial): string {
  return `${files.find(door.name)?.state?.list.indexOf(stanza) ?? -1} ${door.name}`
}

/** Returns the stanza of a hint by {@link formatHint}. */
export function readHint(files: DoorFiles<Stanzas>, hint = ''): Trial | undefined {
  const end = hint.indexOf(' ')
  const file = files.find(hint.slice(end + 1))
  const stanza = file?.state?.list[Number(hint.slice(0, end))]
  return file === undefined || stanza === undefined ? undefined : { door: file.door, stanza }
}
