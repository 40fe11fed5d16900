<?php
/* SPDX-License-Identifier: MIT */

namespace App;

use Illuminate\Foundation\Http\Kernel as HttpKernel;

final class Kernel extends HttpKernel
{
    protected $middleware = [
        \Illuminate\Foundation\Http\Middleware\ValidatePostSize::class,
        \Illuminate\Foundation\Http\Middleware\TrimStrings::class,
        Fields::class,
    ];

    protected $middlewareGroups = [
        'web' => [
            Cookies::class,
            \Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse::class,
            \Illuminate\Session\Middleware\StartSession::class,
            \Illuminate\View\Middleware\ShareErrorsFromSession::class,
            Tokens::class,
            \Illuminate\Routing\Middleware\SubstituteBindings::class,
        ],
    ];
}
