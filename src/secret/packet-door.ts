import type { Door, SpaProtocol } from '../config/config.ts'
import type { DoorOf } from './door-set.ts'

/** A door that single packets open. */
export type PacketDoor = DoorOf<'spa'>

/**
 * Returns the doors that single packets open.
 *
 * @param protocols the protocols of their packets; if absent, all
 */
export function packetDoors(doors: readonly Door[], protocols?: readonly SpaProtocol[]): readonly PacketDoor[] {
  return doors.filter(isPacketDoor).filter(({ secret }) => protocols?.includes(secret.protocol) ?? true)
}

/** Returns true if single packets open the door. */
export function isPacketDoor(door: Door): door is PacketDoor {
  return door.secret.kind === 'spa'
}
