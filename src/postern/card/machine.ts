import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { listeningPorts } from '../../host/listening.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { openViewer } from './viewer.ts'
import type { Viewer } from './viewer.ts'

/** The machine, as commands that make secrets need it. It runs without native code: people make codes on any machine. */
export interface Machine {
  readonly random: (bytes: number) => Uint8Array
  readonly hostname: () => string
  /** True if standard output is a terminal. */
  readonly terminal: boolean
  /** Opens the terminal for somebody to look at; `undefined`: nobody is there, and nothing is asked. */
  readonly viewer: () => Viewer | undefined
  /** Returns the ports on which programs listen. */
  readonly listening: () => ReadonlySet<number>
}

/** This machine. */
export const MACHINE: Machine = {
  random: randomBytes,
  hostname,
  terminal: process.stdout.isTTY,
  viewer: openViewer,
  listening: () => {
    const ports = listeningPorts()
    return new Set([...ports[TCP], ...ports[UDP]])
  },
}
