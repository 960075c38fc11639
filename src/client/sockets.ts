import { setTimeout as pause } from 'node:timers/promises'
import { ICMP } from '../packet/packet.ts'
import { resolve } from './destination.ts'
import type { Outside } from './knock.ts'
import { pingSender } from './ping.ts'
import { send } from './sender.ts'
import { isOpen } from './verify.ts'

/** The real dependencies of knocking: the resolver, sockets, the clock. */
export const sockets: Omit<Outside, 'print'> = {
  resolve: async ({ host, family, source }) => resolve(host, family, source),
  prepare: async (knocks) => {
    if (knocks.some(({ protocol }) => protocol === ICMP)) await pingSender()
  },
  send,
  isOpen: async (port, destinations) => isOpen(port, destinations),
  pause: async (ms) => pause(ms),
}
