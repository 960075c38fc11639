import { MACHINE } from '../card/machine.ts'
import type { Machine } from '../card/machine.ts'
import { asksAll } from './in-force.ts'
import type { AskAll } from './in-force.ts'
import { replaceAll } from './replacement.ts'

/** The machine, as the commands for users need it. */
export interface Surroundings extends Machine {
  readonly asksAll: (config: string, interfaces: readonly string[]) => AskAll
  readonly replace: typeof replaceAll
}

/** This machine. */
export const HERE: Surroundings = { ...MACHINE, asksAll, replace: replaceAll }
