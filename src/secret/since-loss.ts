import type { Door } from '../config/config.ts'
import type { Store } from '../state/store.ts'
import { isPacketDoor, packetDoors } from './packet-door.ts'
import type { PacketDoor } from './packet-door.ts'

const SECOND_MS = 1_000

/** The parts of the store that know about a loss of state. */
export type LossKnown = Pick<Store, 'loss' | 'acceptsLoss'>

/**
 * Returns the reason to refuse a packet that may have been used before a loss of state, or `undefined`.
 *
 * @param unixMs the packet's date in milliseconds since 1970
 */
export function lossRefusal(door: PacketDoor, store: LossKnown, unixMs: number): string | undefined {
  if (isShutByLoss(door, store))
    return 'the record of used packets was lost, and the door stays shut: see the log at the start'
  const { loss } = store
  if (loss === undefined || door.secret.maxAgeMs === undefined || unixMs > loss.at) return undefined
  return `the packet is dated before ${new Date(loss.at).toISOString()}, and the record of packets used before that was lost`
}

/** Describes a door that a loss has shut, with the fix for the operator. Returns `undefined` if the door is not shut. */
export function lossText(door: Door, store: LossKnown): string | undefined {
  if (!isPacketDoor(door) || !isShutByLoss(door, store)) return undefined
  const { name, secret } = door
  const cure =
    secret.protocol === 'knockknock'
      ? `make new profiles for all its users (knockknock-genprofile), and only then type: postern accept-loss ${name}`
      : `set SPA_Max_Age, say to 2m; or make new keys for all its users, and only then type: postern accept-loss ${name}`
  const at = new Date(store.loss?.at ?? 0).toISOString()
  return `${name}: stays shut: the record of used packets was lost at ${at}, and old packets could be replayed\n${cure}`
}

/**
 * Returns true if a loss of state keeps the door shut to all packets. That concerns doors without a limit on the age of
 * packets (`SPA_Max_Age = 0`, knockknock), because forgotten packets could be replayed. The first start is no loss:
 * nothing was forgotten.
 */
function isShutByLoss({ name, secret }: PacketDoor, store: LossKnown): boolean {
  return secret.maxAgeMs === undefined && store.loss?.kind === 'lost' && !store.acceptsLoss(name)
}

/** Logs which doors a loss of state keeps shut, with the fix for each. */
export function sayLosses(doors: readonly Door[], store: LossKnown, say: (text: string) => void): void {
  for (const text of doors.map((door) => lossText(door, store))) if (text !== undefined) say(text)
}

/**
 * Returns the milliseconds to wait at `now` before packets are accepted. fwknop packets are dated in whole seconds. In
 * the second of the loss, an honest packet would seem older than the loss.
 */
export function lossWaitMs(doors: readonly Door[], { loss }: LossKnown, now: number): number {
  if (packetDoors(doors, ['fwknop', 'fwknop-keys']).length === 0 || loss === undefined) return 0
  const next = (Math.floor(loss.at / SECOND_MS) + 1) * SECOND_MS
  return Math.min(SECOND_MS, Math.max(0, next - now))
}
