import { failed, Failure } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { findPrograms } from '../rehearse/rehearse.ts'
import type { SetupArguments } from './arguments.ts'

/** Runs `postern setup`, and returns the exit code. */
export async function setup(asked: SetupArguments, output: Output): Promise<number> {
  if (process.geteuid?.() !== 0) throw new Failure('only root can set this machine up', 'sudo postern setup')
  findPrograms()
  try {
    if (asked.act === 'set up') return await (await import('./set-up.ts')).setUp(asked, output)
    const { cancel, confirm } = await import('./confirm.ts')
    return await (asked.act === 'confirm' ? confirm : cancel)(asked, output)
  } catch (error) {
    return failed(error, output)
  }
}
