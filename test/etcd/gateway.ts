// A gateway of etcd that says what a test wants: an https server with a certificate for 127.0.0.1.
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EtcdAccess } from '../../src/etcd/access.ts'
import { Authority, type Leaf } from './certificates.ts'

/** Answers a request, whose body has been read. */
export type Answer = (
  path: string,
  body: Record<string, never>,
  response: ServerResponse,
  request: IncomingMessage,
) => void

let made: { readonly authority: Authority; readonly server: Leaf; readonly host: Leaf } | undefined

/** The authority, the server's certificate and a host's, made once a test process: openssl takes long to start. */
function certificates(): NonNullable<typeof made> {
  if (made !== undefined) return made
  const folder = mkdtempSync(join(tmpdir(), 'postern-gateway-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const authority = new Authority(folder)
  const server = authority.leaf('IP:127.0.0.1', 'serverAuth,clientAuth')
  made = { authority, server, host: authority.leaf('DNS:host', 'clientAuth') }
  return made
}

/** A fake member of a cluster. */
export class Gateway {
  /** The paths asked for, in order. */
  readonly asked: string[] = []
  readonly #server: Server
  #answer: Answer
  #endpoint = ''

  private constructor(answer: Answer) {
    const { authority, server } = certificates()
    this.#answer = answer
    this.#server = createServer({
      cert: server.cert,
      key: server.key,
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    })
    this.#server.on('request', (request, response) => {
      void this.#take(request, response)
    })
  }

  static async start(answer: Answer): Promise<Gateway> {
    const gateway = new Gateway(answer)
    await new Promise<void>((resolve) => {
      gateway.#server.listen(0, '127.0.0.1', resolve)
    })
    gateway.#endpoint = `https://127.0.0.1:${(gateway.#server.address() as AddressInfo).port}`
    return gateway
  }

  get endpoint(): string {
    return this.#endpoint
  }

  /** Says something else from now on. */
  set answer(answer: Answer) {
    this.#answer = answer
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    } catch {
      return
    }
    const path = request.url ?? ''
    if (path !== '/version') this.asked.push(path)
    const text = Buffer.concat(chunks).toString()
    this.#answer(path, text === '' ? {} : (JSON.parse(text) as Record<string, never>), response, request)
  }
}

/** Returns the access of a client to gateways. */
export function accessTo(...gateways: readonly { readonly endpoint: string }[]): EtcdAccess {
  const { authority, host } = certificates()
  return { endpoints: gateways.map(({ endpoint }) => endpoint), ca: authority.ca, cert: host.cert, key: host.key }
}

/** Text as the gateway has it. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
