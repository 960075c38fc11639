import { parseCommand, type Command } from './arguments.ts'
import { ClientError, UsageError } from './fault.ts'
import { servicePort } from './services.ts'
import { parseSpa, wantsSpa, type SpaCommand } from './spa/arguments.ts'

/** Exit codes of knock. */
const DONE = 0
const FAILED = 1
const USAGE_FAULT = 2

/** The outputs of a program. */
export interface Output {
  /** Writes to standard output. */
  readonly out: (text: string) => void
  /** Writes to standard error. */
  readonly err: (text: string) => void
}

/**
 * Runs the knock program with the words after its name, and returns the exit code. It throws only internal errors. Help
 * and version load neither sockets nor the resolver.
 */
export async function client(argv: readonly string[], { out, err }: Output): Promise<number> {
  try {
    if (wantsSpa(argv)) await obeySpa(parseSpa(argv, servicePort), { out, err })
    else await obey(parseCommand(argv, servicePort), { out, err })
    return DONE
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ClientError)) throw error
    err(`knock: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`)
    return error instanceof UsageError ? USAGE_FAULT : FAILED
  }
}

async function obey(command: Command, { out, err }: Output): Promise<void> {
  switch (command.kind) {
    case 'help':
      out((await import('./usage.ts')).USAGE)
      break
    case 'version':
      out(`knock ${(await import('../version.ts')).VERSION} (Postern)\n`)
      break
    case 'knock': {
      const { request } = command
      const [{ knock }, { roundsOf }, { sockets }, { UsedCodesFile, usedCodesPath }] = await Promise.all([
        import('./knock.ts'),
        import('./secrets.ts'),
        import('./sockets.ts'),
        import('./used-codes.ts'),
      ])
      const print = (line: string): void => out(`${line}\n`)
      const rounds = await roundsOf(request, {
        now: Date.now,
        pause: sockets.pause,
        tell: request.verbose ? print : () => undefined,
        warn: (line) => err(`knock: ${line}\n`),
        codes: new UsedCodesFile(usedCodesPath()),
      })
      await knock(request, rounds, { ...sockets, print })
      break
    }
  }
}

async function obeySpa(command: SpaCommand, { out, err }: Output): Promise<void> {
  if (command.kind === 'help') out((await import('./spa/usage.ts')).SPA_USAGE)
  else if (command.kind === 'version') await obey(command, { out, err })
  else {
    const { sendSpa } = await import('./spa/spa.ts')
    await sendSpa(command.request, { print: (line) => out(`${line}\n`), notice: (line) => err(`knock: ${line}\n`) })
  }
}
