import type { Knock } from '../config/config.ts'

/** The exit code and output of a program that has ended. */
export interface Ran {
  /** The exit code; `null` if a signal ended the program, or it never started. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The result of a try at a port: an answer of the service, a refusal, or silence. */
export type Answer = 'open' | 'refused' | 'silent'

/** A port to be tried, and the address to try it from. */
export interface Endpoint {
  readonly protocol: 'tcp' | 'udp'
  readonly host: string
  readonly port: number
  readonly source: string
}

/** A knock to send, and the milliseconds to wait before it. */
export type KnockOrder = Knock & { readonly afterMs?: number }

/** The knocks to send to a host from an address. */
export interface KnocksOrder {
  readonly host: string
  readonly source: string
  readonly knocks: readonly KnockOrder[]
}

/** The orders that an agent in a namespace takes, and their answers. */
export interface Orders {
  /** Runs a program to its end. */
  readonly run: { readonly ask: { readonly argv: readonly string[]; readonly input?: string }; readonly answer: Ran }
  /** Writes a file that only its owner can read, and makes its folder. */
  readonly write: { readonly ask: { readonly path: string; readonly text: string }; readonly answer: null }
  /** Starts a program, and sends its lines under a name. */
  readonly start: { readonly ask: { readonly name: string; readonly argv: readonly string[] }; readonly answer: null }
  /** Ends a started program by SIGTERM, and after a while by SIGKILL. */
  readonly stop: { readonly ask: { readonly name: string }; readonly answer: null }
  /** Listens on a port over IPv4 and IPv6, and echoes all data. */
  readonly listen: {
    readonly ask: { readonly protocol: 'tcp' | 'udp'; readonly port: number }
    readonly answer: null
  }
  readonly knock: { readonly ask: KnocksOrder; readonly answer: null }
  /** Tries a port once. */
  readonly attempt: { readonly ask: { readonly endpoint: Endpoint; readonly limitMs: number }; readonly answer: Answer }
  /**
   * Knocks, then tries the port until it is open, and holds the connection. The answer is the milliseconds from the
   * last knock to the answer of the port; `null` if there was none in time.
   */
  readonly enter: {
    readonly ask: KnocksOrder & { readonly endpoint: Endpoint; readonly limitMs: number }
    readonly answer: number | null
  }
  /** Tells whether the held connection still carries data to the other end and back. */
  readonly speak: { readonly ask: { readonly endpoint: Endpoint; readonly limitMs: number }; readonly answer: boolean }
  /** Closes the held connection. */
  readonly release: { readonly ask: { readonly endpoint: Endpoint }; readonly answer: null }
  /** Tries the port until it is shut. The answer is the milliseconds to the first failed try; `null` if none failed. */
  readonly shut: {
    readonly ask: { readonly endpoint: Endpoint; readonly limitMs: number }
    readonly answer: number | null
  }
}

export type OrderName = keyof Orders

/** A line to an agent. */
export interface OrderLine {
  readonly id: number
  readonly order: OrderName
  readonly ask: unknown
}

/** A line from an agent: its readiness, an answer, a failure, a line of a started program, or the program's end. */
export type AgentLine =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string }
  | { readonly kind: 'line'; readonly name: string; readonly line: string }
  | { readonly kind: 'ended'; readonly name: string; readonly code: number | null }
