import type { Knock, Service } from '../../config/config.ts'
import type { Network } from '../../packet/network.ts'
import type { SECRETS } from './arguments.ts'

/** The kind of a secret that set-up offers. */
export type SecretKind = (typeof SECRETS)[number]

/** The answers to the questions of set-up. */
export interface Choices {
  readonly door: string
  readonly interfaces: readonly string[]
  readonly hidden: readonly Service[]
  readonly secret: SecretKind
  /** The sequence, or the one in front of a code; `undefined`: drawn at random. */
  readonly sequence: readonly Knock[] | undefined
  readonly alwaysAllow: readonly Network[]
  readonly openForMs: number
}

/** The choices with their secrets: all that a config is made from. */
export interface Plan extends Omit<Choices, 'sequence'> {
  /** Empty for single packets. */
  readonly knocks: readonly Knock[]
  /** The file of the code's secret, or of the users of single packets; `undefined` for a sequence. */
  readonly path: string | undefined
  /** The user that the daemon runs as; `undefined`: root. */
  readonly user: string | undefined
}
