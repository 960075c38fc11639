import { setTimeout as pause } from 'node:timers/promises'
import { resolve } from './destination.ts'
import type { Outside } from './knock.ts'
import { send } from './sender.ts'
import { isOpen } from './verify.ts'

/** The real dependencies of knocking: the resolver, sockets, the clock. */
export const sockets: Omit<Outside, 'print'> = {
  resolve: async ({ host, family, source }) => resolve(host, family, source),
  send,
  isOpen: async (port, destinations) => isOpen(port, destinations),
  pause: async (ms) => pause(ms),
}
