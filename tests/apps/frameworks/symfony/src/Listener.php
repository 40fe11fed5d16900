<?php
/* Work after the response, and the fields by which the tests see what was booted when.
 * SPDX-License-Identifier: MIT */

namespace App;

use Symfony\Component\EventDispatcher\EventSubscriberInterface;
use Symfony\Component\HttpKernel\Event\ResponseEvent;
use Symfony\Component\HttpKernel\Event\TerminateEvent;
use Symfony\Component\HttpKernel\KernelEvents;

final class Listener implements EventSubscriberInterface
{
    public static function getSubscribedEvents(): array
    {
        return [KernelEvents::RESPONSE => 'respond', KernelEvents::TERMINATE => 'terminate'];
    }

    public function respond(ResponseEvent $event): void
    {
        $event->getResponse()->headers->add(\Boot::fields());
    }

    public function terminate(TerminateEvent $event): void
    {
        $key = $event->getRequest()->attributes->get('late');
        if ($key !== null) {
            \Boot::wait("gate-$key");
            \Boot::note("late-$key", $event->getRequest()->query->get('key'));
        }
    }
}
