<?php
// SPDX-License-Identifier: MIT
echo "Hello, world!\n";
