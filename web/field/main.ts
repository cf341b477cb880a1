// Starts the field page, and the service worker that opens it without a signal.
import '../shared/tokens.css';
import './field.css';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  addEventListener('load', () => {
    navigator.serviceWorker.register('/field/sw.js', { scope: '/field/' }).catch(() => {
      // Without it the page works, but opens only with a signal; the menu says so.
    });
  });
}
