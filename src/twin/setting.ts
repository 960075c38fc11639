import type { Address } from '../packet/address.ts'
import type { Network } from '../packet/network.ts'
import type { Machine } from './machine.ts'
import type { Rules, RunProgram } from './rules.ts'

/** The facts that a twin is made from. */
export interface Setting {
  readonly machine: Machine
  readonly rules: Rules
  readonly rulesText: string
  readonly alwaysAllow: readonly Network[]
  readonly from: readonly Address[]
  /** Runs a program on this machine itself. */
  readonly run: RunProgram
}
