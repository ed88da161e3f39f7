import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: process.env.VARVE_LONG === '1' ? 3_600_000 : 120_000,
    hookTimeout: 120_000,
    // One less than there are cores would be one on two; several tests wait for other processes most of the time.
    maxWorkers: 2,
  },
})
