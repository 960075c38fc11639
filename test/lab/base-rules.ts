import { readFileSync } from 'node:fs'
import { program } from './knockd.ts'
import { asTyped } from './ssh-session.ts'
import { CLIENT_4, SERVER_4 } from './net.ts'
import type { Host } from './net.ts'
import type { Output, Process } from './process.ts'
import { connectTo } from './service.ts'

/** Runs `postern firewall` to its end. */
export async function firewall(host: Host, ...args: readonly string[]): Promise<Output> {
  return host.run([process.execPath, program('postern'), 'firewall', ...args], { mayFail: true })
}

/** Starts `apply` as in an ssh session, so that nothing at the machine itself can confirm it. */
export async function applying(host: Host, file: string, ...args: readonly string[]): Promise<Process> {
  const argv = [process.execPath, program('postern'), 'firewall', 'apply', '-c', file, ...args]
  const apply = host.start(argv, { env: { SSH_CONNECTION: `${CLIENT_4} 1 ${SERVER_4} 22` } })
  await apply.line(/on trial/)
  return apply
}

/** A connection from the client that stays, and its name as sshd gives it to its sessions. */
export async function connected(client: Host, port: number): Promise<string> {
  const { ownPort } = await connectTo(client, { address: SERVER_4, port })
  return `${CLIENT_4} ${ownPort} ${SERVER_4} ${port}`
}

/** Runs `confirm` as in an ssh session over this connection. */
export async function confirm(host: Host, connection: string): Promise<Output> {
  return host.run(asTyped(connection, [process.execPath, program('postern'), 'firewall', 'confirm']), { mayFail: true })
}

/** Puts a base ruleset in force and confirms it over a new connection to a port that it lets in. */
export async function confirmed(
  { server, client }: { readonly server: Host; readonly client: Host },
  file: string,
  port: number,
  ...args: readonly string[]
): Promise<void> {
  const apply = await applying(server, file, '--timeout', '30s', ...args)
  await confirm(server, await connected(client, port))
  await apply.line(/confirmed: it stays/)
  await apply.ended
}

/** Processes that keep trials in this host's namespace. */
export async function keepers(host: Host): Promise<readonly number[]> {
  const pids = (await host.run(['ip', 'netns', 'pids', host.ns])).stdout.split('\n').filter(Boolean).map(Number)
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('firewall-keeper')
    } catch {
      return false
    }
  })
}

/** Kills a trial with all processes of it, and waits until the kernel lets everybody in. */
export async function abandon(host: Host, apply: Process): Promise<void> {
  for (const pid of await keepers(host)) process.kill(pid, 'SIGKILL')
  apply.kill('SIGKILL')
  await apply.ended
}
