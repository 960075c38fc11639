import type { Door } from '../../config/config.ts'
import type { Store } from '../../state/store.ts'

const SECOND_MS = 1_000

/** What is asked of the store about a loss. */
export type LossKnown = Pick<Store, 'loss' | 'acceptsLoss'>

/**
 * Whether a door stays shut to all packets, as some were forgotten that it has taken, and nothing but that memory keeps
 * them from being taken again: no time bounds them (`SPA_Max_Age = 0`, knockknock). At a first start there is nothing that
 * could have been forgotten, or nobody could ever begin.
 */
export function isShutByLoss({ name, secret }: Pick<Door, 'name' | 'secret'>, store: LossKnown): boolean {
  return (
    secret.kind === 'spa' && secret.maxAgeMs === undefined && store.loss?.kind === 'lost' && !store.acceptsLoss(name)
  )
}

/**
 * Why a door does not take a packet that was made at a time, in milliseconds since 1970: it may have been taken before the
 * store began to remember. `undefined`: nothing speaks against it.
 */
export function lossRefusal(door: Pick<Door, 'name' | 'secret'>, store: LossKnown, unixMs: number): string | undefined {
  if (isShutByLoss(door, store)) return 'used packets were forgotten, and the door stays shut: see the log at the start'
  const { loss } = store
  const bounded = door.secret.kind === 'spa' && door.secret.maxAgeMs !== undefined
  if (loss === undefined || !bounded || unixMs > loss.at) return undefined
  return `the packet is dated before ${new Date(loss.at).toISOString()}, and what was used before that is not known`
}

/** What an operator does about a door that a loss has shut. */
export function lossText({ name, secret }: Pick<Door, 'name' | 'secret'>, { loss }: LossKnown): string {
  const knockknock = secret.kind === 'spa' && secret.protocol === 'knockknock'
  const cure = knockknock
    ? `make new profiles for all its users (knockknock-genprofile), and only then type: postern accept-loss ${name}`
    : `set SPA_Max_Age, say to 2m; or make new keys for all its users, and only then type: postern accept-loss ${name}`
  const at = new Date(loss?.at ?? 0).toISOString()
  return `${name}: stays shut: which packets it has taken was forgotten at ${at}, and they could be played back\n${cure}`
}

/** Says which doors a loss of state keeps shut, and what to do about each. */
export function sayLosses(doors: readonly Door[], store: LossKnown, say: (text: string) => void): void {
  for (const door of doors) if (isShutByLoss(door, store)) say(lossText(door, store))
}

/**
 * Milliseconds to wait before packets are taken, at `now`: fwknop's are dated in whole seconds, so that an honest one would
 * look as if from before a loss in this second.
 */
export function lossWaitMs(doors: readonly Door[], { loss }: LossKnown, now: number): number {
  const dated = doors.some(({ secret }) => secret.kind === 'spa' && secret.protocol.startsWith('fwknop'))
  if (!dated || loss === undefined) return 0
  const next = (Math.floor(loss.at / SECOND_MS) + 1) * SECOND_MS
  return Math.min(SECOND_MS, Math.max(0, next - now))
}
