import { vi } from 'vitest'

// What tests expect is written as Americans write it, whatever the shell's locale is.
vi.stubGlobal('navigator', { language: 'en-US' })
