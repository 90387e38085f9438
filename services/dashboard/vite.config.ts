import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src/pages',
  base: './',
  plugins: [react()],
  build: { outDir: '../../dist/site', emptyOutDir: true, sourcemap: true, assetsInlineLimit: 0 },
});
