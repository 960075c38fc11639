import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { EtcdAccess } from './access.ts'
import { MemberLook } from './member-look.ts'
import { answerFault, connectionFault, EtcdUnavailable } from './unavailable.ts'

/** The maximum number of connections to a member for requests. Further requests wait for one. */
export const SOCKETS_MAX = 48
/** Connections to a member that are kept open between requests. */
const FREE_SOCKETS_MAX = 16
/** Milliseconds between two keep-alive probes of TCP. */
const KEEP_ALIVE_MS = 10_000
/** The maximum size of an answer in bytes. A value of etcd's 1.5 MiB fits, as base64. */
export const RESPONSE_MAX_BYTES = 3 * 1024 * 1024

/** A request to a member: its path below the base address, its body, and the token of access control. */
export interface Call {
  readonly path: string
  /** A JSON object for POST; absent: GET. */
  readonly body?: object
  readonly token?: string | undefined
  /** True if a member without a leader has to refuse at once. Default: true. */
  readonly needsLeader?: boolean
}

/** HTTPS to one member of the cluster, by the client's certificate. */
export class Connection {
  readonly endpoint: string
  /** The look at the member of all streams to it. */
  readonly look = new MemberLook(async (signal) => await this.send({ path: '/version' }, signal))
  readonly #agent: Agent
  readonly #streams: Agent

  constructor(endpoint: string, { ca, cert, key }: EtcdAccess) {
    this.endpoint = endpoint
    // No session is kept: it would be resumed without a look at the certificate.
    const tls = { ca, cert, key, minVersion: 'TLSv1.2', rejectUnauthorized: true, maxCachedSessions: 0 } as const
    const keepAlive = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS }
    this.#agent = new Agent({ ...tls, ...keepAlive, maxSockets: SOCKETS_MAX, maxFreeSockets: FREE_SOCKETS_MAX })
    // A stream has a connection of its own, so that it takes none away from requests.
    this.#streams = new Agent(tls)
  }

  /** Sends a request and returns the JSON of its answer. Throws {@link EtcdUnavailable}. */
  async send(call: Call, signal: AbortSignal): Promise<unknown> {
    const response = await this.#open(this.#agent, call, signal)
    return parsed(await textOf(response))
  }

  /** Sends a request whose answer goes on and on. Throws {@link EtcdUnavailable} unless it begins with 200. */
  async stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    return await this.#open(this.#streams, call, signal)
  }

  close(): void {
    this.#agent.destroy()
    this.#streams.destroy()
  }

  async #open(
    agent: Agent,
    { path, body, token, needsLeader = true }: Call,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(new URL(path, this.endpoint), {
        agent,
        signal,
        method: text === undefined ? 'GET' : 'POST',
        headers: {
          ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length }),
          // Without it, a member that has lost its leader holds a request for 7 s and a watch forever.
          ...(needsLeader ? { 'grpc-metadata-hasleader': 'true' } : {}),
          ...(token === undefined ? {} : { authorization: token }),
        },
      })
      outgoing.once('response', resolve)
      outgoing.on('error', (error) => reject(connectionFault(error)))
      outgoing.end(text)
    })
    // The reader of the response reports a connection that breaks later.
    response.on('error', () => undefined)
    if (response.statusCode === 200) return response
    const words = await textOf(response)
    throw answerFault(response.statusCode ?? 0, messageOf(words), words)
  }
}

/** Reads an answer whole. */
async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > RESPONSE_MAX_BYTES)
        throw new EtcdUnavailable('size', `an answer of more than ${RESPONSE_MAX_BYTES} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    response.destroy()
    throw connectionFault(error as Error)
  }
  return Buffer.concat(chunks).toString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new EtcdUnavailable('answer', 'an answer that is not JSON')
  }
}

/** Returns the message of etcd's error: `{"error": "...", "message": "...", "code": 8}`; `''`: the answer has no message. */
function messageOf(text: string): string {
  try {
    const { message, error } = JSON.parse(text) as { readonly message?: unknown; readonly error?: unknown }
    if (typeof message === 'string') return message
    return typeof error === 'string' ? error : ''
  } catch {
    return ''
  }
}
