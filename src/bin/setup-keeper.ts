#!/usr/bin/env node
import { keepConfig } from '../postern/setup/keeper.ts'

await keepConfig(process.argv[2] ?? '', process.argv[3] ?? '')
