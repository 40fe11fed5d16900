<?php
/* SPDX-License-Identifier: MIT */

return ['paths' => [resource_path('views')], 'compiled' => Boot::$folder . '/views'];
