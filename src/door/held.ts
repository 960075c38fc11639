import type { Hold, Opening } from '../state/opening.ts'

/** The holder of openings made by the operator. No change of a file or of the config closes them. */
export const BY_HAND = 'hand'

/** A holder's opening, with the facts that decide if the holder may keep it. */
export interface Held {
  readonly door: string
  /** The address that it is open for, as text. */
  readonly source: string
  /** The open ports of the door, as the journal has them; `undefined`: all ports of the door. */
  readonly services: string | undefined
  /** The target that connections are forwarded to, as the journal has it. */
  readonly forward: string | undefined
  /** The secret that opened it: a mark, or {@link BY_HAND}; `undefined` in records of an earlier version. */
  readonly holder: string | undefined
  readonly user: string | undefined
}

/** An opening of another host of the fleet, with the mark under which this host judges it. */
export interface FleetHolder {
  /** A mark of this host, or {@link BY_HAND}. */
  readonly mark: string
  readonly host: string
  /** The id of the opening among those of its host. */
  readonly id: string
}

/** Returns the holder of an opening that another host made. No mark has the separators. */
export function fleetHolder({ mark, host, id }: FleetHolder): string {
  return `${mark}@${host}/${id}`
}

/** Reads the text of {@link fleetHolder}. `undefined`: a secret or an operator of this host opened it. */
export function readFleetHolder(holder: string | undefined): FleetHolder | undefined {
  const [, mark, host, id] = /^([^@]+)@([^/]+)\/(.+)$/.exec(holder ?? '') ?? []
  return mark === undefined || host === undefined || id === undefined ? undefined : { mark, host, id }
}

/** Returns true if the holder may keep the opening. */
export type May = (held: Held) => boolean

/** Returns the opening as one of its holders has it. */
export function heldBy({ door, source, services, forward }: Opening, { holder, user }: Hold): Held {
  return { door, source, services, forward, holder, user }
}
