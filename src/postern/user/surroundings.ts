import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { listeningPorts } from '../../host/listening.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { openViewer } from '../card/viewer.ts'
import type { Viewer } from '../card/viewer.ts'
import { asksAll } from './in-force.ts'
import type { AskAll } from './in-force.ts'
import { replaceAll } from './replacement.ts'

/** The machine, as the commands for users need it. */
export interface Surroundings {
  readonly random: (bytes: number) => Uint8Array
  readonly hostname: () => string
  /** True if standard output is a terminal. */
  readonly terminal: boolean
  /** Opens the terminal for somebody to look at; `undefined`: nobody is there, and nothing is asked. */
  readonly viewer: () => Viewer | undefined
  /** Returns the ports on which programs listen. */
  readonly listening: () => ReadonlySet<number>
  readonly asksAll: (config: string, interfaces: readonly string[]) => AskAll
  readonly replace: typeof replaceAll
}

/** This machine. */
export const HERE: Surroundings = {
  random: randomBytes,
  hostname,
  terminal: process.stdout.isTTY,
  viewer: openViewer,
  listening: () => {
    const ports = listeningPorts()
    return new Set([...ports[TCP], ...ports[UDP]])
  },
  asksAll,
  replace: replaceAll,
}
