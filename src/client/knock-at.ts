import { DONE } from '../cli/exit-code.ts'
import type { Output } from '../cli/output.ts'
import type { Request } from './arguments.ts'
import { knock } from './knock.ts'
import { roundsOf } from './request-rounds.ts'
import { sockets } from './sockets.ts'
import { UsedCodesFile, usedCodesPath } from './used-codes.ts'

/** Performs a request with the sockets of this machine. @returns the exit code @throws ClientError if it fails */
export async function knockAt(request: Request, { out, err }: Output): Promise<number> {
  const print = (line: string): void => out(`${line}\n`)
  const rounds = await roundsOf(request, {
    now: Date.now,
    pause: sockets.pause,
    tell: request.verbose ? print : () => undefined,
    warn: (line) => err(`knock: ${line}\n`),
    codes: new UsedCodesFile(usedCodesPath()),
  })
  await knock(request, rounds, { ...sockets, print })
  return DONE
}
