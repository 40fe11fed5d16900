<?php
// SPDX-License-Identifier: MIT
namespace Training;

enum State: string
{
    case Draft = 'draft';
    case Open = 'open';
    case Closed = 'closed';

    public function label(): string
    {
        return ucfirst($this->value);
    }
}
